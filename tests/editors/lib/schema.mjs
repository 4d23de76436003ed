// What a message carries, against the model: a list of complaints, each with the place it is about.

import Ajv from 'ajv';

const LONGEST = 160;

export class Shapes {
  constructor(model) {
    this.ajv = new Ajv({ strict: false, allErrors: true, logger: false });
    this.ajv.addSchema({ $id: 'model', definitions: model.definitions });
    this.compiled = new Map();
  }

  /** The complaints about a value that is to be of the type of this name. */
  complaints(name, value) {
    if (!this.compiled.has(name)) this.compiled.set(name, this.ajv.compile({ $ref: `model#/definitions/${name}` }));
    const fits = this.compiled.get(name);
    if (fits(value)) return [];
    // Of alternatives all complaints come; the deepest is about the one that was meant.
    const depth = (error) => error.instancePath.split('/').length;
    const deepest = Math.max(...fits.errors.map(depth));
    const error = fits.errors.find((error) => depth(error) === deepest && error.keyword !== 'anyOf') ?? fits.errors[0];
    const what = error.params.additionalProperty ?? error.params.missingProperty ?? '';
    return [`${error.instancePath || '/'} ${error.message} ${what}`.trim().slice(0, LONGEST)];
  }
}

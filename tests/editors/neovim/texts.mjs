// What the people of the tests write. The characters of more than one unit stand before everything that is edited.

export const WIDE = 'é𝄞👩‍👩‍👧';

/** A story; `id` is part of its path, `mark` stands before what is edited. */
export function story(id, mark = `${WIDE} `) {
  const path = `.agent/stories/${id}-retry-failed-exports.md`;
  const text = [
    `# ${id}: ${mark}Retry failed exports`, '', 'Status: Draft', '', '## Plan', '',
    `${mark}A failed export is tried twice.`, '', `${mark}Between them.`, '', `${mark}It takes a day.`, '',
    '## Afterwards', '', `${mark}Somebody looks.`, '',
  ].join('\n');
  return { id, path, text };
}

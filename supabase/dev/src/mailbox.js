// Owns the mails that Auth would send: kept for whoever holds the secret key to read, never sent.

/** Mails kept per address; tests and people look at the newest. */
const KEPT = 20;
/** Addresses remembered, so that a server that runs for days does not grow. */
const ADDRESSES = 1000;

export class Mailbox {
  /** address → mails, newest first; the address that got mail last comes last */
  #mails = new Map();

  /** What Supabase Lite calls instead of an SMTP server. */
  async send({ to, subject, text }) {
    const mails = this.#mails.get(to) ?? [];
    this.#mails.delete(to);
    this.#mails.set(to, [{ subject, text, sent_at: new Date().toISOString() }, ...mails].slice(0, KEPT));
    if (this.#mails.size > ADDRESSES) this.#mails.delete(this.#mails.keys().next().value);
  }

  /** The mails to an address, newest first. */
  to(address) {
    return this.#mails.get(address?.toLowerCase()) ?? [];
  }
}

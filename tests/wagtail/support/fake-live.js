/** What stands in for Live where it has to misbehave, or to say what it was sent. */
import { createServer } from 'node:http';
import { atEnd } from '../../browser/support/cleanup.js';

const STORED = { status: 200, body: JSON.stringify({ cursor: '0123456789abcdef-1', version: 1 }) };

/**
 * @typedef {object} Request
 * @property {string} path
 * @property {import('node:http').IncomingHttpHeaders} headers
 * @property {any} update
 */

export class FakeLive {
  /** @type {Request[]} */
  requests = [];
  /** What it answers; `undefined` is nothing at all, and an answer that `trickles` never ends. @type {(request: Request) => Promise<object | undefined> | object | undefined} */
  answer = () => STORED;
  #server = createServer(async (incoming, outgoing) => {
    let body = '';
    for await (const part of incoming) body += part;
    const request = { path: incoming.url, headers: incoming.headers, update: JSON.parse(body) };
    this.requests.push(request);
    const answer = await this.answer(request);
    if (answer?.trickles) trickle(outgoing);
    else if (answer) outgoing.writeHead(answer.status, answer.headers).end(answer.body);
  });

  /** @param {import('node:test').TestContext} t */
  async start(t) {
    await this.open(0);
    atEnd(t, () => this.close());
    return this;
  }

  /** Listens, again if it did before. */
  open(port = Number(new URL(this.url).port)) {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject).listen(port, '127.0.0.1', () => {
        this.url = `http://127.0.0.1:${this.#server.address().port}`;
        resolve();
      });
    });
  }

  /** Refuses connections from now on. */
  close() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  /** Answers as given, one after the other, and then as a Live that is well. Forgets what came before. @param {object[]} answers */
  script(...answers) {
    this.requests = [];
    this.answer = () => (answers.length ? answers.shift() : STORED);
  }
}

/** A byte now and then, for as long as somebody reads. @param {import('node:http').ServerResponse} outgoing */
const trickle = (outgoing) => {
  const timer = setInterval(() => outgoing.write(' '), 100);
  outgoing.on('close', () => clearInterval(timer));
};

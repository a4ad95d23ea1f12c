/** A site that readers come to through a balancer: it renders its posts, and publishes them through the same balancer. */
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { atEnd } from '../../browser/support/cleanup.js';

export const TOKEN = 'a-token-of-a-test';

/** @param {number} post */
const render = (post) => `<div data-post-id="${post}" data-live-sort="${post}">post ${post}</div>`;

export class Site {
  /** The newest post; its number is its id, its text and its place. */
  last = 0;
  /** How often its HTML was asked for: once by each reader who comes, and again by each who cannot resume. */
  asked = 0;
  #server = createServer((request, response) => {
    this.asked++;
    const { searchParams } = new URL(request.url, 'http://site');
    const posts = Array.from({ length: this.last }, (_, index) => render(this.last - index));
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html>
      <link rel="icon" href="data:,">
      <live-page channel="final" base="/live" transports="${searchParams.get('transport')}">${posts.join('')}</live-page>
      <script type="module" src="/live/live.js"></script>`);
  });

  /** @param {import('node:test').TestContext} t */
  async start(t) {
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.address = `127.0.0.1:${this.#server.address().port}`;
    atEnd(t, () => {
      this.#server.closeAllConnections();
      return new Promise((resolve) => this.#server.close(resolve));
    });
    return this;
  }

  /** Makes a post, and publishes it until a node has it. @param {string} balancer */
  async post(balancer) {
    const post = ++this.last;
    const body = JSON.stringify({ renders: { [post]: { content: render(post), sort: post } } });
    const headers = { authorization: `Bearer ${TOKEN}`, 'idempotency-key': `post-${post}` };
    for (let tries = 1; ; tries++) {
      const answer = await fetch(`${balancer}/live/publish/final/`, { method: 'POST', headers, body }).catch((error) => error);
      if (answer.ok) return;
      // Longer than nginx leaves a node alone, when both nodes have failed it one after the other.
      if (tries === 600) throw new Error(`post ${post} is not taken: ${answer.status ?? answer}`);
      await pause(50);
    }
  }
}

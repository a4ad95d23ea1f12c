import { createClient } from 'redis';

/** Shows a post on every open page of the blog. Call it after the commit. */
export async function publishPost(postId, html, revision, url = 'redis://127.0.0.1:6379/0') {
  const server = await createClient({ url, socket: { connectTimeout: 2000 } }).connect();
  try {
    const key = `${postId}-${revision}`;
    const words = ['RENDER', postId, html, '', String(revision)];
    const [cursor] = await server.fCall('live_publish', { keys: ['live:{blog}'], arguments: [key, ...words] });
    return cursor;
  } finally {
    await server.close();
  }
}

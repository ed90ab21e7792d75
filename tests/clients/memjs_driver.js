// memjs, binary protocol. Called and answered as driver.py says; NODE_PATH names the folder with memjs.
'use strict';
const assert = require('node:assert/strict');
const memjs = require('memjs');

const expireLimitMs = 8000;
const largeSizes = [1024 * 1024, 3 * 1024 * 1024 + 17];

if (process.argv.length < 5) {
  console.error(`usage: ${process.argv[1]} HOST PORT PREFIX`);
  process.exit(64);
}
const [host, port, prefix] = process.argv.slice(2);
const allBytes = Buffer.from(Array.from({length: 256}, (_, byte) => byte));
const client = memjs.Client.create(`${host}:${port}`, {timeout: 10, conntimeout: 5, retries: 1, logger: {log() {}}});
const key = (name) => prefix + name;
const get = async (name) => (await client.get(key(name))).value;
const refused = (promise, what) => assert.rejects(promise, undefined, what);

// Byte for byte; a miss is null.
async function holds(name, expected, what) {
  const value = await get(name);
  const good = value === null || expected === null ? value === expected : value.equals(Buffer.from(expected));
  assert.ok(good, `${what}: got ${value === null ? 'null' : value.subarray(0, 60).toString('latin1')}`);
}

// Expiry is by a clock of seconds: asks until the key is gone, with a deadline.
async function untilGone(name) {
  for (const end = Date.now() + expireLimitMs; await get(name) !== null;) {
    assert.ok(Date.now() < end, `waited ${expireLimitMs} ms in vain: ${name} expires`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function largeValue(size) {
  const pieces = [];
  for (let number = 0, length = 0; length < size; ++number) {
    pieces.push(Buffer.from(`${number}\r\n\0\xff`, 'latin1'));
    length += pieces[number].length;
  }
  return Buffer.concat(pieces).subarray(0, size);
}

const stats = (word) => new Promise((resolve, reject) => {
  client.statsWithKey(word, (error, server, values) => error ? reject(error) : resolve(values));
});

class NotThere extends Error {}

const operations = {
  async set() {
    for (const value of [Buffer.from('value'), Buffer.from(''), allBytes]) {
      assert.equal(await client.set(key('set'), value, {}), true);
      await holds('set', value, 'get after set');
    }
  },
  async get() {
    await holds('get', null, 'get of an absent key');
    await client.set(key('get'), 'x'.repeat(250), {});
    await holds('get', 'x'.repeat(250), 'get');
  },
  async 'multi-get'() {
    throw new NotThere('memjs has no get of several keys');
  },
  async cas() {
    throw new NotThere('memjs has no cas');
  },
  async incr() {
    assert.deepEqual(await client.increment(key('incr'), 1, {initial: 10}), {success: true, value: 10});
    assert.deepEqual(await client.increment(key('incr'), 5, {}), {success: true, value: 15});
    assert.deepEqual(await client.decrement(key('incr'), 6, {}), {success: true, value: 9});
    assert.deepEqual(await client.decrement(key('incr'), 100, {}), {success: true, value: 0});
    await client.set(key('incr'), 'text', {});
    await refused(client.increment(key('incr'), 1, {}), 'increment of a text is done');
    await holds('incr', 'text', 'get after a refused increment');
  },
  async touch() {
    assert.equal(await client.touch(key('touch'), 100), false, 'touch of an absent key');
    await client.set(key('touch'), 'touched', {expires: 100});
    assert.equal(await client.touch(key('touch'), 1), true, 'touch');
    await untilGone('touch');
  },
  async expire() {
    await client.set(key('expire-later'), 'later', {expires: 100});
    await client.set(key('expire'), 'soon', {expires: 1});
    await untilGone('expire');
    await holds('expire-later', 'later', 'get of a key that expires later');
  },
  async delete() {
    await client.set(key('delete'), 'x', {});
    assert.equal(await client.delete(key('delete')), true);
    await holds('delete', null, 'get after delete');
    assert.equal(await client.delete(key('delete')), false, 'delete of an absent key');
  },
  async large() {
    for (const size of largeSizes) {
      assert.equal(await client.set(key('large'), largeValue(size), {}), true, `set of ${size} bytes`);
      await holds('large', largeValue(size), `get of ${size} bytes`);
    }
  },
  async store() {
    assert.equal(await client.replace(key('store'), 'x', {}), false, 'replace of an absent key');
    await refused(client.append(key('store'), 'x'), 'append to an absent key is done');
    assert.equal(await client.add(key('store'), 'b', {}), true, 'add');
    assert.equal(await client.add(key('store'), 'x', {}), false, 'add of a present key');
    assert.equal(await client.append(key('store'), 'c'), true, 'append');
    await holds('store', 'bc', 'get after append');    // its prepend sends an append
    assert.equal(await client.replace(key('store'), 'new', {}), true, 'replace');
  },
  // Many requests on one connection at the same time: their answers are told apart by opaque.
  async pipelined() {
    const names = Array.from({length: 300}, (_, number) => `pipelined${number}`);
    await Promise.all(names.map((name) => client.set(key(name), name, {})));
    await Promise.all(names.map((name) => holds(name, name, `get of ${name}`)));
  },
  async stats() {
    assert.ok(Number((await stats('')).curr_connections) > 0, 'curr_connections in stats');
    assert.ok(Object.keys(await stats('settings')).length > 0, 'stats settings');
  },
};

async function run() {
  console.log(`client\tok\tmemjs ${require('memjs/package.json').version}`);
  for (const [name, operation] of Object.entries(operations)) {
    let verdict = 'ok';
    let detail = '';
    try {
      await operation();
    } catch (error) {
      verdict = error instanceof NotThere ? 'none' : 'fail';
      detail = error.message.replace(/\s+/g, ' ').slice(0, 400);
    }
    console.log([name, verdict, detail].join('\t'));
  }
  client.close();
}

// A client that waits for an answer that cannot come does not keep node alive.
process.once('beforeExit', () => {
  console.log('end\tfail\tmemjs never answered the last request');
  process.exitCode = 1;
});
run().then(() => process.removeAllListeners('beforeExit'));

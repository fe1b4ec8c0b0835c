// One attacker as a process of its own, written against the wire: bare libp2p and raw sockets, none of our classes.
// node attack.mjs '{"mode":"gossip","address":"/ip4/…/p2p/…","genesis":"0f91…","peers":3,"seconds":10}'
// Prints a JSON line a second about what it has done, and ends with its standard input.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

Promise.withResolvers ??= () => {
  let resolve;
  let reject;
  const promise = new Promise((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
};

const { createLibp2p } = await import('libp2p');
const { identify } = await import('@libp2p/identify');
const { noise } = await import('@libp2p/noise');
const { tcp } = await import('@libp2p/tcp');
const { yamux } = await import('@libp2p/yamux');
const { multiaddr } = await import('@multiformats/multiaddr');

const o = JSON.parse(process.argv[2]);
const done = { opened: 0, ended: 0, bytes: 0, errors: 0 };
process.stdin.on('end', () => process.exit(0)).resume();
// What it attacks hangs up on it in every way there is.
process.on('uncaughtException', () => done.errors++);
process.on('unhandledRejection', () => done.errors++);
setInterval(() => console.log(JSON.stringify(done)), 1_000);

const SYNC = `/forkyard/${o.genesis}/sync/1`;
const GOSSIP = '/meshsub/1.1.0';
const TX = `/forkyard/${o.genesis.slice(0, 16)}/tx/1`;
const u32 = (n) => Uint8Array.of(n, n >> 8, n >> 16, n >>> 24);

/** A new identity that is connected; it has no rules. */
async function stranger() {
  const node = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { identify: identify() },
  });
  await node.handle([SYNC, GOSSIP], () => undefined, { maxInboundStreams: 10, maxOutboundStreams: 10 });
  const connection = await node.dial(multiaddr(o.address), { signal: AbortSignal.timeout(30_000) });
  done.opened++;
  connection.addEventListener('close', () => {
    done.ended++;
    node.stop();
  });
  return connection;
}

const open = (connection, protocol) => connection.newStream(protocol, { maxOutboundStreams: 100 });

/** A sync stream, with a hello said on it. */
async function joined(connection) {
  const sync = await open(connection, SYNC);
  const genesis = Buffer.from(o.genesis, 'hex').reverse();
  const hello = Buffer.concat([u32(1), genesis, Uint8Array.of(1, 120), u32(0), new Uint8Array(32), genesis]);
  sync.send(Buffer.concat([u32(hello.length + 1), Uint8Array.of(1), hello]));
  return sync;
}

/** Sends what `next` makes, as fast as it is taken, as long as the connection stands. */
async function pour(stream, next) {
  while (stream.status === 'open') {
    const bytes = next();
    done.bytes += bytes.length;
    const taken = stream.send(bytes);
    if (!taken || stream.writeBufferLength > 4 << 20) {
      while (stream.status === 'open' && stream.writeBufferLength > 1 << 20) await sleep(1);
    }
    await new Promise((go) => setImmediate(go));
  }
}

function varint(n) {
  const out = [];
  for (; n >= 128; n = Math.floor(n / 128)) out.push((n % 128) + 128);
  return Buffer.from([...out, n]);
}

const field = (number, bytes) =>
  Buffer.concat([Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes]);
/** A gossipsub frame of these messages: RPC.publish = 2; Message.data = 2, Message.topic = 4. */
function rpc(datas) {
  const topic = field(4, Buffer.from(TX));
  const body = Buffer.concat(datas.map((data) => field(2, Buffer.concat([field(2, data), topic]))));
  return Buffer.concat([varint(body.length), body]);
}

/** A payment that is well formed and spends a coin of a payment that nobody knows. */
function payment(size) {
  const witness = Math.max(0, size - 110);
  const signature = Buffer.concat([Buffer.from([0x30]), randomBytes(70), Buffer.from([1])]);
  const stack = [signature, Buffer.concat([Buffer.from([2]), randomBytes(32)])];
  const outputs = 1 + Math.ceil(witness / 31);
  return Buffer.concat([
    Buffer.from('02000000000101', 'hex'),
    randomBytes(32),
    Buffer.from('00000000' + '00' + 'ffffffff', 'hex'),
    outputs < 253 ? Buffer.from([outputs]) : Buffer.from([253, outputs & 255, outputs >> 8]),
    ...Array.from({ length: outputs }, () =>
      Buffer.concat([Buffer.from('e803000000000000160014', 'hex'), randomBytes(20)]),
    ),
    Buffer.from([2]),
    ...stack.map((item) => Buffer.concat([Buffer.from([item.length]), item])),
    u32(0),
  ]);
}

/** Keeps `peers` of them going; who is thrown out comes back as somebody else. */
async function crowd(one) {
  const again = async () => {
    for (;;) {
      try {
        await one();
      } catch {
        done.errors++;
      }
      await sleep(o.pauseMs ?? 500);
    }
  };
  for (let i = 0; i < (o.peers ?? 1); i++) {
    void again();
    await sleep(o.everyMs ?? 20);
  }
}

const ended = (connection) =>
  connection.status === 'open' ? new Promise((go) => connection.addEventListener('close', go)) : undefined;

const MODES = {
  /** Large frames of payments, faster than anybody can look at them. */
  gossip: () =>
    crowd(async () => {
      const connection = await stranger();
      await joined(connection);
      const gossip = await open(connection, GOSSIP);
      const large = Array.from({ length: 8 }, () => payment(80_000));
      let i = 0;
      await pour(gossip, () => {
        const data = Buffer.from(large[i++ % 8]);
        data.set(randomBytes(32), 7);
        return rpc([data]);
      });
    }),
  /** As many message ids as possible: small messages, `each` in a frame. */
  ids: () =>
    crowd(async () => {
      const connection = await stranger();
      await joined(connection);
      const gossip = await open(connection, GOSSIP);
      await pour(gossip, () => rpc(Array.from({ length: o.each ?? 1_000 }, () => payment(0))));
    }),
  /** The echo of /ipfs/ping, never read. */
  ping: () =>
    crowd(async () => {
      const connection = await stranger();
      await joined(connection);
      const streams = await Promise.all([1, 2].map(() => open(connection, '/ipfs/ping/1.0.0')));
      for (const stream of streams) stream.pause();
      const chunk = randomBytes(1 << 20);
      await Promise.all(streams.map((stream) => pour(stream, () => chunk)));
    }),
  /** yamux: one data frame of 4 GB to a stream that is none. */
  frame: () =>
    crowd(async () => {
      const connection = await stranger();
      await joined(connection);
      const { stream } = { stream: connection.muxer.maConn };
      const head = Buffer.from('000000000000270fffffffff', 'hex');
      stream.send(head);
      const chunk = randomBytes(1 << 20);
      await pour(stream, () => chunk);
    }),
  /** yamux: a header that is none, in the middle of everything. */
  garble: () =>
    crowd(async () => {
      const connection = await stranger();
      await joined(connection);
      await open(connection, GOSSIP);
      await sleep(200);
      connection.muxer.maConn.send(Buffer.alloc(24, 255));
      await ended(connection);
    }),
  /** yamux: pings whose answers are never read. */
  pings: () =>
    crowd(async () => {
      const connection = await stranger();
      await joined(connection);
      connection.maConn.pause();
      const many = Buffer.concat(
        Array.from({ length: 5_000 }, (_, i) =>
          Buffer.concat([Buffer.from('0002000100000000', 'hex'), u32(i)]),
        ),
      );
      await pour(connection.muxer.maConn, () => many);
    }),
  /** Half of a frame (of the size that a peer may send unasked), and then nothing; `trickle`: a byte now and then. */
  half: () =>
    crowd(async () => {
      const connection = await stranger();
      const sync = await joined(connection);
      const half = Buffer.concat([u32(o.size ?? 400_000), Uint8Array.of(5), randomBytes(300_000)]);
      for (let at = 0; at < half.length && sync.status === 'open'; at += 65_536) {
        sync.send(half.subarray(at, at + 65_536));
        done.bytes += 65_536;
        await sleep(1);
      }
      while (o.trickle && sync.status === 'open') {
        sync.send(Uint8Array.of(1));
        await sleep(100);
      }
      await ended(connection);
    }),
  /** Frames a byte at a time, each in a yamux frame of its own: memory by the number of pieces. */
  pieces: () =>
    crowd(async () => {
      const connection = await stranger();
      const sync = await joined(connection);
      sync.send(u32(4_000_000));
      await sleep(50);
      const many = Buffer.concat(
        Array.from({ length: 3_000 }, () => {
          const head = Buffer.from('000000000000000000000001ff', 'hex');
          head.writeUInt32BE(Number(sync.id), 4);
          return head;
        }),
      );
      await pour(connection.muxer.maConn, () => many);
    }),
  /** Sockets that say nothing. */
  silent: async () => {
    const { 0: port } = /(?<=\/tcp\/)\d+/.exec(o.address);
    const one = () => {
      const socket = connect(Number(port), '127.0.0.1');
      done.opened++;
      socket.on('error', () => done.errors++);
      socket.on('close', () => {
        done.ended++;
        setTimeout(one, o.pauseMs ?? 0);
      });
    };
    for (let i = 0; i < o.peers; i++) {
      one();
      if (i % 20 === 0) await sleep(1);
    }
    if (o.everyMs !== undefined) setInterval(one, o.everyMs);
  },
  /** Strangers that do all that a peer does, and stay. */
  places: () =>
    crowd(async () => {
      const connection = await stranger();
      await joined(connection);
      const gossip = await open(connection, GOSSIP);
      gossip.send(Buffer.concat([Buffer.from([3, 10, 1, 0])]));
      await ended(connection);
    }),
  /** One identity after another, gone as soon as it is known. */
  identities: () =>
    crowd(async () => {
      const connection = await stranger();
      await joined(connection);
      await sleep(o.stayMs ?? 100);
      connection.abort(new Error('next'));
    }),
};

await MODES[o.mode]();
console.log(JSON.stringify({ ready: true }));

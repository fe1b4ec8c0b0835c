import type { Connection, Stream, StreamMessageEvent } from '@libp2p/interface';
import { Uint8ArrayList } from 'uint8arraylist';
import { netLimits } from './limits.ts';

/** One-way delays of a link, measured, in milliseconds. */
export interface ProbeResult {
  /** From us to the peer. */
  readonly thereMs: number;
  readonly backMs: number;
}

/** Probe: our time (8 bytes). Answer: when the probe came and when this left (16 bytes). Little-endian doubles. */
const PROBE_BYTES = 8;
const ANSWER_BYTES = 16;

/**
 * The machine's monotonic clock in milliseconds: the same in all processes of one machine, unlike
 * `performance.now()`, and not set back like the wall clock. Only between machines it means nothing.
 */
function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Answers the probes of one stream, at most `netLimits.probesPerStream`. */
export function answerProbes(stream: Stream): void {
  const got = new Uint8ArrayList();
  let answered = 0;
  const late = setTimeout(() => stream.abort(new Error('probes took too long')), netLimits.probeMs);
  stream.addEventListener('close', () => clearTimeout(late));
  stream.addEventListener('remoteCloseWrite', () => void stream.close().catch((e: Error) => stream.abort(e)));
  stream.addEventListener('message', (event: StreamMessageEvent) => {
    const cameAt = machineMs();
    got.append(event.data);
    for (; got.byteLength >= PROBE_BYTES; got.consume(PROBE_BYTES)) {
      if (++answered > netLimits.probesPerStream) {
        stream.abort(new Error('too many probes'));
        return;
      }
      const answer = new DataView(new ArrayBuffer(ANSWER_BYTES));
      answer.setFloat64(0, cameAt, true);
      answer.setFloat64(8, machineMs(), true);
      stream.send(new Uint8Array(answer.buffer));
    }
  });
}

/**
 * Measures a link of one machine in both directions: the middle one of `count` probes each way, a few milliseconds
 * apart, so that a lost segment or a busy moment does not count. Undefined when the answers do not come in time.
 */
export async function probeLink(
  connection: Connection,
  protocol: string,
  count: number,
): Promise<ProbeResult | undefined> {
  const signal = AbortSignal.timeout(netLimits.probeMs);
  let stream: Stream | undefined;
  try {
    stream = await connection.newStream(protocol, { signal });
    const { there, back } = await exchange(stream, count, signal);
    await stream.close({ signal });
    return { thereMs: middle(there), backMs: middle(back) };
  } catch (error) {
    // Too slow, frozen, or gone meanwhile: no figure is the answer.
    stream?.abort(error as Error);
    return undefined;
  }
}

/** Sends all probes without waiting for answers, which come in the same order. */
function exchange(
  stream: Stream,
  count: number,
  signal: AbortSignal,
): Promise<{ there: number[]; back: number[] }> {
  return new Promise((resolve, reject) => {
    const got = new Uint8ArrayList();
    const sentAt: number[] = [];
    const there: number[] = [];
    const back: number[] = [];
    let timer: NodeJS.Timeout | undefined;
    const done = () => {
      clearTimeout(timer);
      stream.removeEventListener('message', onMessage);
      stream.removeEventListener('close', onClose);
      signal.removeEventListener('abort', onClose);
    };
    const onClose = () => {
      done();
      reject(new Error('no answer to a probe'));
    };
    const onMessage = (event: StreamMessageEvent) => {
      const backAt = machineMs();
      got.append(event.data);
      for (; got.byteLength >= ANSWER_BYTES && there.length < sentAt.length; got.consume(ANSWER_BYTES)) {
        there.push(got.getFloat64(0, true) - sentAt[there.length]!);
        back.push(backAt - got.getFloat64(8, true));
      }
      if (there.length < count) return;
      done();
      resolve({ there, back });
    };
    const send = () => {
      const probe = new DataView(new ArrayBuffer(PROBE_BYTES));
      sentAt.push(machineMs());
      probe.setFloat64(0, sentAt.at(-1)!, true);
      stream.send(new Uint8Array(probe.buffer));
      if (sentAt.length < count) timer = setTimeout(send, netLimits.probeEveryMs);
    };
    stream.addEventListener('message', onMessage);
    stream.addEventListener('close', onClose);
    signal.addEventListener('abort', onClose);
    send();
  });
}

function middle(values: number[]): number {
  const sorted = values.sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

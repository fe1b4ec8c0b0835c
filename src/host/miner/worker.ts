import { setPriority } from 'node:os';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Bell, type SeatStart, type WorkerMessage, type WorkerStart } from './control.ts';
import { selectKernel } from './kernels/select.ts';
import { Seats } from './slots.ts';

const start = workerData as WorkerStart;
const port = parentPort;
if (port === null) throw new Error('miner-worker runs as a worker thread only');
const mail = port;
const tell = (message: WorkerMessage): void => mail.postMessage(message);

/**
 * Never returns to the event loop: between batches it looks at the bell, and without work it sleeps on it. So seats that
 * are added later are fetched from the mail, and the bell says when.
 */
function run(seats: Seats, bell: Bell): void {
  for (const seat of start.seats) seats.add(seat);
  let seen = bell.rung - 1;
  for (;;) {
    const { rung } = bell;
    if (rung !== seen) {
      if (bell.closed) return;
      seen = rung;
      for (let next = receiveMessageOnPort(mail); next; next = receiveMessageOnPort(mail))
        seats.add(next.message as SeatStart);
      seats.heed();
    }
    const wait = seats.turn();
    if (wait > 0) bell.wait(seen, wait);
  }
}

const notes: string[] = [];
// On Linux priorities belong to threads, so this leaves the node's own thread alone; elsewhere it would not.
if (process.platform === 'linux') {
  try {
    setPriority(0, start.niceness);
  } catch (error) {
    notes.push(
      `a mining worker keeps its priority: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
const {
  kernel,
  rate,
  notes: refused,
} = selectKernel({
  name: start.kernel,
  exact: start.exact,
  ...(start.enough > 0 ? { enough: start.enough } : {}),
});
tell({ kind: 'ready', kernel: kernel.name, rate, notes: [...notes, ...refused] });
const bell = new Bell(start.bell);
run(new Seats(kernel, bell, tell, () => performance.now()), bell);

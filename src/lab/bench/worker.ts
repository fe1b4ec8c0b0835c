import { parentPort } from 'node:worker_threads';
import { runTask, type TaskInput, type TaskName, type TaskOutput } from './tasks.ts';

/** A thread that does one piece of work after the other, as it is told. */

export interface Order<K extends TaskName = TaskName> {
  readonly task: K;
  readonly input: TaskInput<K>;
}

export type Answer<K extends TaskName = TaskName> =
  | { readonly kind: 'part'; readonly part: number }
  | { readonly kind: 'done'; readonly output: TaskOutput<K> };

const port = parentPort;
if (port === null) throw new Error('the worker of a bench runs as a worker thread only');
const tell = (answer: Answer): void => port.postMessage(answer);

port.on('message', async (order: Order) => {
  const output = await runTask(order.task, order.input, (part) => tell({ kind: 'part', part }));
  tell({ kind: 'done', output });
});

import { workerData } from 'node:worker_threads';
import { Backends, LOADERS } from './backends.ts';
import { SigSlots } from './slots.ts';
import type { HelperStart } from './threads.ts';

/** Entry of a helper thread. Its libraries are those of the node's own thread, which has told what it could not load. */

const { buffer, slots, who } = workerData as HelperStart;
new SigSlots(buffer, slots).serve(who, new Backends(LOADERS, () => undefined).verify);

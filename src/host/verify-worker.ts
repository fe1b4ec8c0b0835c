import { workerData } from 'node:worker_threads';
import { Backends, LOADERS } from './verify-backends.ts';
import type { HelperStart } from './verify-helpers.ts';
import { SigSlots } from './verify-slots.ts';

/** Entry of a helper thread. Its libraries are those of the node's own thread, which has told what it could not load. */

const { buffer, slots, who } = workerData as HelperStart;
new SigSlots(buffer, slots).serve(who, new Backends(LOADERS, () => undefined).verify);

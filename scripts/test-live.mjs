// Before the live tests: what they start must be of these sources, and must not be built again while they run.
import { missing, setUp } from './setup.mjs';

export default async function upToDate() {
  // Not from in here, which runs from them.
  if (missing().packages) throw new Error('the packages are not those of package-lock.json: run npm ci');
  await setUp();
}

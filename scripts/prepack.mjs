// Before `npm pack` and `npm publish`: a package without its build starts nothing, so what is missing is built first.
import { checkNode, setUp } from './setup.mjs';

checkNode();
// npm hands the options of `npm pack` down to every npm below it, and that one has to install and to print.
for (const option of ['dry_run', 'json', 'pack_destination']) delete process.env[`npm_config_${option}`];
// `npm pack --json` and `npm pack --silent` promise that standard output holds their answer alone.
await setUp(process.stderr);

import { type Line, line } from './screen.ts';
import { isHeld, type Pane, type TuiState } from './state.ts';

/** The keys of the pane that has them, and the page behind `?`. */

const NARROW: Readonly<Record<Pane, string>> = {
  nodes: 'm mine · p pay · d double-spend · c cut · h heal · r reorg · ? · q',
  tree: '← → ↑ ↓ block · Enter details · End newest · c cut · h heal · Tab · ? · q',
  payment: '↑ ↓ other payment · Enter on every node · p pay · d double-spend · Tab · ? · q',
  log: '↑ ↓ PgUp PgDn scroll · / filter · Enter whole line · End newest · Tab · ? · q',
};

const WIDE: Readonly<Record<Pane, string>> = {
  nodes:
    'm mine · p pay · d double-spend · c cut · h heal · r reorg · k kill · s start · l link · / filter · [ ] step log · ? help · q',
  tree: '← → ↑ ↓ block · Enter details · End newest · space hold · m mine · p pay · c cut · h heal · r reorg · Tab pane · ? help · q',
  payment:
    '↑ ↓ other payment · Enter on every node · p pay · d double-spend · c cut · h heal · Tab pane · ? help · q',
  log: '↑ ↓ PgUp PgDn scroll · / filter · Enter whole line · End newest · c cut · h heal · Tab pane · ? help · q',
};

export function keyLine(state: TuiState, isWide: boolean): Line {
  if (state.help) return line(' any key goes back');
  if (state.prompt !== undefined) return line(' Enter takes it · Esc does not');
  const keys = (isWide ? WIDE : NARROW)[state.focus];
  const hold = isHeld(state) ? 'space go' : 'space hold';
  return line(state.focus === 'nodes' ? ` ${hold} · ${keys}` : ` ${keys}`);
}

const HELP: readonly string[] = [
  '',
  " [8A] block 8 by A, on a node's branch   (8A) stale   ◄AB tips of A and B",
  " Work decides, not length: the branch with more work is everybody's next.",
  '',
  ' space  hold or release all miners     c  cut the network: AB/CD, A>B',
  ' m  mine some blocks on a node         h  heal it',
  ' p  pay: alice bob 1.5                 r  a reorg of some depth, for real',
  ' d  one coin to two people             k  kill -9 a node     s  start it',
  ' l  slow a link: A-C 200ms 20ms',
  ' Tab  next pane: tree, nodes, payment, log   arrows  select   Enter  details',
  ' /  filter the log: node:C kind:reorg tx:a91f, or words     [ ]  step the log',
  ' t  follow the payment of a reorg      Esc  closes, stops what is under way',
  ' Ctrl-L  draw anew      Ctrl-Z  suspend      q  quit',
  '',
  ' Expected forks: 1 - e^(-delay x (1 - sum of squared shares) / pace) of all',
  ' heights, where one delay holds for every link (Decker, Wattenhofer 2013).',
];

/** With the page's whole address, which the top line has no room for. */
export function helpLines(state: TuiState): readonly string[] {
  const { page } = state.yard;
  return page === undefined ? HELP : [...HELP, '', ` Page: ${page}`];
}

import { formatOffset } from '../../observe/words/units.ts';
import { short } from '../../observe/words/words.ts';
import { plural } from '../../util/plural.ts';
import type { VerbName } from '../../yard/verbs.ts';
import type { App } from '../state/app.ts';
import { Command } from './command.tsx';

/** One node: where it stands, what it did, and everything that may be done to it. */
export function NodeDetails({ app, letter }: { app: App; letter: string }) {
  const { forest, story } = app.run;
  const tip = forest.blocks.get(forest.tips.get(letter) ?? '');
  const told = app.nodes.find((n) => n.letter === letter);
  const isDown = story.down.has(letter);
  const found = [...forest.blocks.values()].filter((b) => b.miner === letter).length;
  const reorgs = forest.reorgs.filter((r) => r.node === letter);
  const deepest = Math.max(0, ...reorgs.map((r) => r.depth));
  const { frozen, clockMs } = story.conditions;
  const isFrozen = frozen.includes(letter);
  const clock = clockMs[letter];
  const setWrong = [
    ...(isFrozen ? ['it is frozen, its process stands still'] : []),
    ...(clock === undefined ? [] : [`its clock is off by ${formatOffset(clock)}`]),
  ];
  const isLiveTold = told !== undefined && app.run.isLive && !isDown;
  return (
    <>
      <h2>Node {letter}</h2>
      <p>
        {isDown || tip === undefined
          ? 'It is down.'
          : `It is on ${tip.label} …${tip.id.slice(-6)}, work ${short(tip.work)}.`}
      </p>
      <p>
        {plural(found, 'block')} found in this picture; {plural(reorgs.length, 'reorganisation')}
        {reorgs.length === 0 ? '' : `, the deepest ${deepest}`}.
      </p>
      {isLiveTold && (
        <p>
          {plural(told.peers?.length ?? 0, 'peer')}; {plural(told.pool ?? 0, 'payment')} waiting;{' '}
          {told.mining?.on === true
            ? told.mining.held
              ? 'its miner is held'
              : `mining at ${short(told.mining.rate)}H/s`
            : 'it does not mine'}
          .
        </p>
      )}
      {setWrong.length > 0 && <p>Set wrong on purpose: {setWrong.join(', ')}.</p>}
      <p class="buttons">
        {buttonsOf(letter, isDown, isFrozen).map(({ verb, label, needsLife }) => (
          <button
            key={verb}
            type="button"
            disabled={!app.mayAct || (needsLife && (isDown || isFrozen))}
            onClick={() =>
              verb === 'thaw' ? app.perform(verb, { node: letter }) : app.open(verb, { node: letter })
            }
          >
            {label}
          </button>
        ))}
      </p>
      <Command>{isDown ? `forkyard start ${letter}` : `forkyard set ${letter} --clock +90s`}</Command>
    </>
  );
}

interface Button {
  readonly verb: VerbName;
  readonly label: string;
  readonly needsLife: boolean;
}

function buttonsOf(letter: string, isDown: boolean, isFrozen: boolean): readonly Button[] {
  const always: Button[] = [
    { verb: 'mine', label: 'Mine here', needsLife: true },
    { verb: 'send', label: 'Pay from here', needsLife: true },
    { verb: 'set', label: 'Clock, hash rate…', needsLife: false },
  ];
  if (isDown) return [...always, { verb: 'start', label: `Start ${letter}`, needsLife: false }];
  const freeze: Button = isFrozen
    ? { verb: 'thaw', label: 'Thaw', needsLife: false }
    : { verb: 'freeze', label: 'Freeze', needsLife: true };
  return [...always, freeze, { verb: 'kill', label: 'Kill -9', needsLife: false }];
}

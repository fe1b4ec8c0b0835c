import type { App } from '../state/app.ts';

/** What the signs mean, in plain words. */
export function Legend() {
  return (
    <div class="legend">
      <h2>What do I see?</h2>
      <dl>
        <dt>
          <span class="sample filled">A</span>
        </dt>
        <dd>A block, found by node A. Each block names the one before it: the line to its left.</dd>
        <dt>
          <span class="sample hollow">D</span>
        </dt>
        <dd>
          <i>Stale</i>: a valid block with real work, on nobody’s branch now.
        </dd>
        <dt>⚑</dt>
        <dd>A node’s tip: the last block of the history that this node believes.</dd>
        <dt>┄</dt>
        <dd>A run of blocks where nothing forks, folded. Click it to unfold.</dd>
        <dt>by time</dt>
        <dd>
          Each block stands where it was found on the clock; the line below it goes on until the others had
          it, a dot for each. A rival that is found on that line makes a fork: its finder could not know.
        </dd>
        <dt>
          <span class="sample dashed">next</span>
        </dt>
        <dd>The block being guessed at now.</dd>
        <dt>◐</dt>
        <dd>One coin, two payments: at most one can stay.</dd>
        <dt>work</dt>
        <dd>
          Expected number of guesses behind a branch. Every node follows the branch with more work, never
          simply the one with more blocks.
        </dd>
        <dt>cut</dt>
        <dd>From the dotted seam on, the two grounds hear nothing of each other.</dd>
        <dt>FAULTS</dt>
        <dd>
          What is set wrong on purpose now: delays, loss, one-way cuts, frozen nodes, clocks. Heal opens all
          links and leaves their delays and loss.
        </dd>
        <dt>reorg</dt>
        <dd>
          A node learns of more work elsewhere: it undoes blocks down to the fork point and takes the other
          branch.
        </dd>
      </dl>
      <p class="keys">
        <kbd>space</kbd> hold · <kbd>m</kbd> mine · <kbd>p</kbd> pay · <kbd>d</kbd> double-spend ·{' '}
        <kbd>c</kbd> cut · <kbd>h</kbd> heal · <kbd>r</kbd> reorg · <kbd>k</kbd> kill · <kbd>←</kbd>
        <kbd>→</kbd> one event (<kbd>Shift</kbd>: one reorg) · <kbd>l</kbd> link · <kbd>End</kbd> live ·{' '}
        <kbd>s</kbd> save the picture · <kbd>v</kbd> by height or by time · <kbd>f</kbd> stage ·{' '}
        <kbd>Esc</kbd> close
      </p>
    </div>
  );
}

/** The shortest form, always in sight. */
export function Signs({ app }: { app: App }) {
  return (
    <p class="signs">
      <span>
        <i class="sample filled" /> on a branch
      </span>
      <span>
        <i class="sample hollow" /> stale
      </span>
      <span>⚑ a node’s tip</span>
      <span>{app.isByTime ? '├●● until heard' : '┄ no fork'}</span>
      <span>◐ one coin, two payments</span>
      <span>more work wins</span>
      <span>? all signs</span>
    </p>
  );
}

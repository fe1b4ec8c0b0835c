import type { Action } from '../action.ts';
import * as fields from '../fields.ts';
import { blockName, tailOf } from '../names.ts';
import { failed } from '../problem.ts';
import { stateOf } from '../states.ts';
import { verb } from '../verb.ts';

/** `invalidate`, `reconsider` and `precious`: a node's choice of branch, forced and not raced. */

export interface Chosen {
  readonly node: string;
  readonly id: string;
}

export const invalidate = verb({
  name: 'invalidate',
  says: 'tell a node that its tip is invalid',
  fields: { node: fields.node('which node') },
  action: (yard, { node }): Action<Chosen> => ({
    plan: `Tell ${node} that its tip is invalid`,
    async run() {
      const { tip } = await stateOf(yard, node);
      await yard.node(node).invalidate(tip.id);
      const line = `${node} was told that its tip ${blockName(tip)} ${tailOf(tip.id)} is invalid (forced, not raced)`;
      return { line, data: { node, id: tip.id } };
    },
  }),
});

export const reconsider = verb({
  name: 'reconsider',
  says: 'take back that a block is invalid',
  fields: { node: fields.node('which node'), id: fields.text('of the block') },
  action: (yard, { node, id }): Action<Chosen> => ({
    plan: `Tell ${node} that block ${tailOf(id)} is valid again`,
    async run() {
      await yard.node(node).reconsider(id);
      return { line: `${node} takes ${tailOf(id)} for valid again`, data: { node, id } };
    },
  }),
});

export const precious = verb({
  name: 'precious',
  says: "tell a node to prefer another one's tip",
  fields: { node: fields.node('which node'), 'tip-of': fields.node('whose tip') },
  action: (yard, { node, 'tip-of': of }): Action<Chosen> => ({
    plan: `Tell ${node} to prefer the tip of ${of}`,
    async run(context) {
      const state = await yard.node(of).state();
      if (state === undefined) throw failed(`node ${of} is down, so it has no tip to prefer`);
      const { tip } = state;
      // Right after a heal the block may still be on its way.
      await yard.clock.until(
        () => yard.node(node).findBlock(tip.id),
        context,
        () => `${node} does not have ${blockName(tip)}`,
      );
      await yard.node(node).prefer(tip.id);
      const line = `${node} was told to prefer ${blockName(tip)} ${tailOf(tip.id)} (forced, not raced)`;
      return { line, data: { node, id: tip.id } };
    },
  }),
});

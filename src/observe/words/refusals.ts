/** Rules that speak of two payments of one coin; by their names alone nobody sees that. */
const SAME_COIN: Readonly<Record<string, string>> = {
  'insufficient fee': 'a waiting payment spends the same coin, and this one pays too little to replace it',
  'too many potential replacements':
    'a waiting payment spends the same coin, and too many others follow from it',
  'bad-txns-spends-conflicting-tx': 'it spends from a waiting payment that it would replace',
};

/** Why a node refused a payment, in plain words; Bitcoin Core's name of the rule where that says enough. */
export function refusalWords(rule: string): string {
  return Object.hasOwn(SAME_COIN, rule) ? SAME_COIN[rule]! : rule;
}

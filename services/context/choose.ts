/** Which sources run: the default ones, or those that are named. */
import { TributaryError } from '#libs/errors/errors.ts';
import { type ContextSource } from './sources/source.ts';

/**
 * `names`: ids, `default` (those that run without being named), `all`, or `none`; undefined = `default`. In the registry's order.
 * Throws `TRB_UNKNOWN_SOURCE`.
 */
export function chooseSources(
  registry: readonly ContextSource[],
  names: readonly string[] = ['default'],
): readonly ContextSource[] {
  const known = new Set([...registry.map(({ id }) => id), 'default', 'all', 'none']);
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new TributaryError('TRB_UNKNOWN_SOURCE', `There is no context source ${unknown.join(', ')}.`, {
      hint: `There are default, all, none, ${registry.map(({ id }) => id).join(', ')}.`,
    });
  }
  return registry.filter(
    ({ id, isDefault }) => names.includes(id) || names.includes('all') || (isDefault && names.includes('default')),
  );
}

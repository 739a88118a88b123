/** Answers that say no although their status is 200. */
import { TributaryError } from '#libs/errors/errors.ts';

/** `TRB_CONTEXT_REFUSED`: `canRetry` where it is about how often was asked. */
export function refusal(title: string, message: string): TributaryError {
  const isAboutRate = /rate limit|too many/i.test(message);
  return new TributaryError('TRB_CONTEXT_REFUSED', `${title} refuses: ${message.slice(0, 200)}`, {
    canRetry: isAboutRate,
    hint: isAboutRate ? 'The plan is used up for now.' : 'The key may not cover what was asked.',
  });
}

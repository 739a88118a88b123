/** A predictor that answers SignalService.Score in another process; one call a horizon. */
import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { TributaryError } from '#libs/errors/errors.ts';
import { type External } from '#libs/models/external/external.ts';
import { type Answer, type Predictor, type Question } from '#libs/models/external/external-scorer.ts';
import { type ScoreResponse, SignalServiceClient } from '#libs/wire/tributary/v1/signal_service.ts';

/** It is there and has nothing to say: no model for the instrument, or too little before it. */
const NOTHING = new Set([status.NOT_FOUND, status.FAILED_PRECONDITION]);

/** The deadline of `External` is kept by who asks: it cancels the call. */
export function createGrpcPredictor(external: External, schemaId: string): Predictor {
  const { asks, horizons, window: steps, inputs, threshold, name } = external;
  if (asks.kind !== 'grpc') throw new Error('no endpoint');
  const client = new SignalServiceClient(asks.address, asks.tls ? credentials.createSsl() : credentials.createInsecure());

  function score({ venue, instrument, values }: Question, horizon: string, signal: AbortSignal): Promise<Answer> {
    const request = { venue, instrument, horizon, schemaId, values: [...values], steps: steps === 1 ? 0 : steps, inputs };
    return new Promise((resolve, reject) => {
      const call = client.score(request, new Metadata(), (error: ServiceError | null, response: ScoreResponse) => {
        if (error === null) {
          // Zero = it says none: then it is silent.
          const own = response.threshold > 0 ? response.threshold : 2;
          resolve({ probabilityUp: response.probabilityUp, threshold: threshold ?? own });
        } else if (NOTHING.has(error.code)) resolve(undefined);
        else reject(failure(error));
      });
      signal.addEventListener('abort', () => call.cancel(), { once: true });
    });
  }

  function failure(error: ServiceError): TributaryError {
    return new TributaryError(
      'TRB_PREDICTOR_ENDPOINT',
      `${name} at ${asks.kind === 'grpc' ? asks.address : ''}: ${error.details}.`,
      {
        hint: 'Is it running, and does it speak tributary.v1.SignalService/Score?',
        canRetry: true,
        cause: error,
      },
    );
  }

  return {
    open: () => Promise.resolve(),
    close: () => {
      client.close();
      return Promise.resolve();
    },
    ask: (question, signal) => Promise.all(horizons.map((horizon) => score(question, horizon, signal))),
  };
}

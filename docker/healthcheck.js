/** The image's health check: asks the service in this container whether it lives; the port is the one it was given. */
import { get } from 'node:http';

const port = process.env['TRIBUTARY_METRICS_PORT'] ?? '9464';

get({ host: '127.0.0.1', port, path: '/healthz', timeout: 3_000 }, (answer) => {
  answer.resume();
  process.exitCode = answer.statusCode === 200 ? 0 : 1;
})
  .on('timeout', function stop() {
    this.destroy(new Error('no answer within 3 s'));
  })
  .on('error', (error) => {
    console.error(error.message);
    process.exitCode = 1;
  });

// The workshop's load as a k6 script, for users of k6: it does the same as `loadtest` with its defaults.
//
//   k6 run loadtest/k6/handson.js
//   k6 run -e RATE=20 -e DURATION=1m -e URL=http://localhost:8080/handson loadtest/k6/handson.js
//   k6 run -e THRESHOLDS='{"http_req_duration": ["p(95)<200"], "checks": ["rate>0.99"]}' loadtest/k6/handson.js
//
// Pass these with `-e`. k6's own K6_DURATION and --duration would replace the whole scenario by one looping user.
import { check } from 'k6';
import http from 'k6/http';

const {
  URL = 'http://localhost:8080/handson',
  RATE = '5',
  TIME_UNIT = '1s',
  DURATION = '2h',
  PRE_ALLOCATED_VUS = '50',
  MAX_VUS = PRE_ALLOCATED_VUS,
  GRACEFUL_STOP = '30s',
  TIMEOUT = '60s',
  THRESHOLDS = '{}',
} = __ENV;

export const options = {
  scenarios: {
    handson: {
      // An open model: an iteration starts when it is due, independently of the others.
      executor: 'constant-arrival-rate',
      rate: Number(RATE),
      timeUnit: TIME_UNIT,
      duration: DURATION,
      preAllocatedVUs: Number(PRE_ALLOCATED_VUS),
      maxVUs: Number(MAX_VUS),
      gracefulStop: GRACEFUL_STOP,
    },
  },
  thresholds: JSON.parse(THRESHOLDS),
  // k6 leaves p(99) out by default.
  summaryTrendStats: ['avg', 'min', 'med', 'max', 'p(90)', 'p(95)', 'p(99)'],
};

export default function () {
  const response = http.get(URL, { timeout: TIMEOUT });
  check(response, { 'status is 200': ({ status }) => status === 200 });
}

// Runs the audits of graphql-http (GraphQL over HTTP) against a URL, and prints those that are not
// ok.
import { serverAudits } from 'graphql-http';
const fetchFn = (url, options) => fetch(url, { ...options, headers: { ...options?.headers, authorization: 'Bearer x' } });
let total = 0;
for (const audit of serverAudits({ url: process.env.URL, fetchFn })) {
  const result = await audit.fn();
  total++;
  if (result.status !== 'ok') console.log(`${result.status} ${audit.name}: ${result.reason}`);
}
console.log(`${total} audits`);

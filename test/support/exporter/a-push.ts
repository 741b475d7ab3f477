/** A report pushed by hand over HTTP, signed as an exporter does. */
import { importSecret, signBody } from '../../../worker/contract/signature.ts'
import type { Report } from '../../../worker/contract/report.ts'
import { PUSH_SECRET } from '../secrets.ts'

export async function pushTo(workerUrl: string, report: Report): Promise<Response> {
  const body = new TextEncoder().encode(JSON.stringify(report))
  const id = 'msg_1'
  const timestampSeconds = Math.floor(Date.now() / 1000)
  const key = await importSecret(PUSH_SECRET)
  return fetch(`${workerUrl}/v1/clusters/${report.cluster}/reports`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(timestampSeconds),
      'webhook-signature': await signBody({ id, timestampSeconds }, body, [key]),
    },
  })
}

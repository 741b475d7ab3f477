/** The way in: the plain probe that memory can answer, before the router; everything else is the app's. */
import { app } from './app.ts'
import type { Env } from './env.ts'
import { answerPlainProbe } from './routes/gtg.ts'

export const front = {
  fetch(request, env, ctx) {
    const goOn = (work: Promise<unknown>): void => {
      ctx.waitUntil(work)
    }
    return answerPlainProbe(request, env, goOn) ?? app.fetch(request, env, ctx)
  },
} satisfies ExportedHandler<Env>

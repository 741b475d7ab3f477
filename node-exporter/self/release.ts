/** Which exporter this is: its version, and the commit that it was built from. */
import packageJson from '../../package.json' with { type: 'json' }

export interface Release {
  version: string
  /** Empty: nobody said. */
  commit: string
}

/** `COMMIT` is set where the image is built. */
export function readRelease(env: Record<string, string | undefined>): Release {
  return { version: packageJson.version, commit: (env['COMMIT'] ?? '').slice(0, 40) }
}

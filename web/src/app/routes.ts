/** The addresses of the client; server-side they all answer with index.html. */
export type Route =
  | { page: 'studies' }
  | { page: 'viewer'; study: string }
  | { page: 'remote' }
  | { page: 'orders' }
  | { page: 'upload' }
  | { page: 'deliveries'; tab: string }
  | { page: 'exceptions' }
  | { page: 'shares' }
  | { page: 'shared' }
  | { page: 'admin'; tab: string }
  | { page: 'login' }
  | { page: 'unknown' }

/** PS3.5 9.1: what may stand in an address as a UID. */
const UID = /^[0-9.]{1,64}$/

export function routeOf(path: string): Route {
  const [head = '', second = '', ...more] = path.split('/').filter(Boolean)
  if (more.length > 0) return { page: 'unknown' }
  if (head === '') return { page: 'studies' }
  if (head === 'viewer' && UID.test(second)) return { page: 'viewer', study: second }
  if (head === 'deliveries') return { page: 'deliveries', tab: second || 'queue' }
  if (head === 'admin') return { page: 'admin', tab: second || 'users' }
  if (second === '' && (head === 'remote' || head === 'orders' || head === 'upload' || head === 'exceptions' || head === 'shares' || head === 'shared' || head === 'login')) return { page: head }
  return { page: 'unknown' }
}

/** Only our own paths may follow a login: `//evil.example` is an address elsewhere. */
export function safeReturn(to: string | null): string {
  return to && /^\/(?![/\\])/.test(to) && !to.startsWith('/login') ? to : '/'
}

/** Why somebody who came back from the institution's provider was not let in (domain/provider.Refusal), for people. */
const REFUSALS: Readonly<Record<string, { title: string; hint: string }>> = {
  denied: { title: 'Signing in was cancelled.', hint: 'Nothing was changed.' },
  expired: { title: 'Signing in took too long, or began elsewhere.', hint: 'Begin again here.' },
  away: { title: 'The institution’s sign-in cannot be reached.', hint: 'Try again in a minute, or sign in with name and password.' },
  untrusted: { title: 'What the institution’s sign-in answered does not hold.', hint: 'Nobody was let in. Tell your administrator.' },
  name: { title: 'The name you have there cannot be an account’s.', hint: 'Letters a to z, digits and . _ @ - can. Tell your administrator.' },
  nobody: { title: 'None of your groups may work here.', hint: 'Ask your administrator for one that may.' },
  unknown: { title: 'You have no account here.', hint: 'Ask your administrator for one.' },
  taken: { title: 'An account of your name signs in another way.', hint: 'Sign in with its password, or ask your administrator to allow both.' },
  disabled: { title: 'Your account is disabled.', hint: 'Ask your administrator.' },
  conflict: { title: 'Your groups and your account contradict each other.', hint: 'Nothing was changed. Tell your administrator.' },
}

export function refusalOf(word: string | null): { title: string; hint: string } | null {
  return word === null ? null : (REFUSALS[word] ?? { title: 'You were not signed in.', hint: 'Try again.' })
}


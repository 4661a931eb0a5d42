import { useState } from 'react'
import { addWebhook, changeWebhook, type Webhook, type WebhookFacts } from '../../api/webhooks'
import { useAction } from '../../lib/useAction'
import { CheckField, TextField } from '../../ui/controls'
import { FormDialog } from '../../ui/FormDialog'

/** What most programs want to hear of. */
const GROUPS = [
  { title: 'Studies and images', patterns: ['study.created', 'instance.*'] },
  { title: 'Orders and examinations', patterns: ['order.*', 'procedure.*'] },
  { title: 'Work items', patterns: ['ups.*'] },
  { title: 'Deliveries', patterns: ['delivery.*'] },
] as const

const KNOWN = new Set<string>(GROUPS.flatMap((group) => [...group.patterns]))

/** Words of a text field; empty ones are dropped. */
function words(text: string): string[] {
  return text.split(/[\s,;]+/).filter(Boolean)
}

function Kinds({ kinds, onChange }: { kinds: readonly string[]; onChange: (kinds: string[]) => void }) {
  const [others, setOthers] = useState(kinds.filter((kind) => !KNOWN.has(kind)).join(' '))
  const chosen = kinds.filter((kind) => KNOWN.has(kind))
  return (
    <fieldset className="form-part">
      <legend>What it is told of</legend>
      {GROUPS.map(({ title, patterns }) => (
        <CheckField
          key={title}
          label={title}
          checked={patterns.every((pattern) => chosen.includes(pattern))}
          onChange={(checked) => {
            const rest = chosen.filter((kind) => !patterns.some((pattern) => pattern === kind))
            onChange([...rest, ...(checked ? patterns : []), ...words(others)])
          }}
        />
      ))}
      <TextField
        label="Other kinds"
        hint="Names or patterns, such as exception.* or commitment.answered; * is everything."
        spellCheck={false}
        autoComplete="off"
        value={others}
        onChange={(event) => {
          setOthers(event.target.value)
          onChange([...chosen, ...words(event.target.value)])
        }}
      />
    </fieldset>
  )
}

/** Adds a webhook, whose secret `onSaved` is given, or changes one. */
export function WebhookDialog({ webhook, onClose, onSaved }: { webhook?: Webhook; onClose: () => void; onSaved: (secret: string) => void }) {
  const [name, setName] = useState(webhook?.name ?? '')
  const [facts, setFacts] = useState<WebhookFacts>(
    webhook ? { url: webhook.url, kinds: webhook.kinds, together: webhook.together } : { url: '', kinds: [...GROUPS[0].patterns], together: 1 },
  )
  const action = useAction()
  const change = (some: Partial<WebhookFacts>) => setFacts((now) => ({ ...now, ...some }))
  const save = async () => {
    if (webhook) await changeWebhook(webhook.name, facts)
    onSaved(webhook ? '' : await addWebhook(name.trim(), facts))
  }
  const ready = name.trim() !== '' && facts.url.trim() !== '' && facts.kinds.length > 0
  return (
    <FormDialog title={webhook ? `Webhook ${webhook.name}` : 'Add a webhook'} submit={webhook ? 'Save' : 'Add webhook'} ready={ready} action={action} run={save} onClose={onClose}>
      <TextField label="Name" required maxLength={64} disabled={webhook !== undefined} value={name} onChange={(event) => setName(event.target.value)} />
      <TextField
        label="Address"
        hint="Messages are posted there, signed. https, unless it is this machine."
        type="url"
        required
        spellCheck={false}
        autoComplete="off"
        value={facts.url}
        onChange={(event) => change({ url: event.target.value })}
      />
      <Kinds kinds={facts.kinds} onChange={(kinds) => change({ kinds })} />
      <TextField
        label="Changes in one message"
        hint="At most so many; more than one when much happens at once."
        type="number"
        min={1}
        max={100}
        required
        value={facts.together}
        onChange={(event) => change({ together: Number(event.target.value) })}
      />
    </FormDialog>
  )
}

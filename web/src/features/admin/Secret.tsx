import { useState } from 'react'
import { Button } from '../../ui/controls'
import { Notice } from '../../ui/feedback'
import { Dialog } from '../../ui/overlay'

/** Shows a generated password or token, the only time it can be seen. */
export function SecretDialog({ title, label, secret, onClose }: { title: string; label: string; secret: string; onClose: () => void }) {
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    await navigator.clipboard.writeText(secret)
    setCopied(true)
  }
  return (
    <Dialog
      title={title}
      stubborn
      onClose={onClose}
      footer={
        <Button look="primary" onClick={onClose}>
          I have kept it
        </Button>
      }
    >
      <Notice tone="warn" title={`${label} is shown this once.`}>
        The archive does not show it again. Hand it over safely.
      </Notice>
      <div className="secret">
        <code>{secret}</code>
        <Button small icon={copied ? 'check' : 'copy'} onClick={() => void copy().catch(() => setCopied(false))}>
          {copied ? 'Copied' : 'Copy'}
        </Button>
      </div>
    </Dialog>
  )
}

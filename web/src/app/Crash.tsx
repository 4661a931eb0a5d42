import type { ReactNode } from 'react'
import { Component } from 'react'
import { Button } from '../ui/controls'
import { Empty } from '../ui/feedback'

/** A fault of the page itself ends here, with a way on, not with a white window. */
export class Crash extends Component<{ children: ReactNode; resetKey: string }, { broken: boolean; key: string }> {
  override state = { broken: false, key: this.props.resetKey }

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true }
  }

  static getDerivedStateFromProps(props: { resetKey: string }, state: { broken: boolean; key: string }) {
    return props.resetKey === state.key ? null : { broken: false, key: props.resetKey }
  }

  override render(): ReactNode {
    if (!this.state.broken) return this.props.children
    return (
      <Empty
        icon="alert"
        title="This page has stopped working"
        actions={
          <Button look="primary" onClick={() => window.location.reload()}>
            Load it again
          </Button>
        }
      >
        It is a fault of the page; everything in the archive is unchanged. If it comes back, tell whoever runs Isocenter what you did last.
      </Empty>
    )
  }
}

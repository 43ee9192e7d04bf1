// The line above one run's map: which run, which layer, what the judge says of it, and which step is shown.

import { explain } from "../definitions.js"
import { make, setText } from "../theme.js"
import { sentenceOf } from "../verdict.js"

export class SceneHead {
  layer = explain(make("span.ssl-layer"), "map/kept")
  dot = make("span.ssl-dot")
  verdict = make("span.ssl-good")
  when = make("span.ssl-good.ssl-at")

  constructor(title) {
    this.title = make("span.ssl-title", title)
    this.element = make("header.ssl-head", this.title, this.layer, this.dot, this.verdict, make("span.ssl-space"), this.when)
  }

  update(run) {
    this.dot.dataset.state = run.verdict?.state.replaceAll(" ", "-") ?? ""
    this.dot.hidden = !run.verdict
    this.verdict.title = sentenceOf(run)
    setText(this.verdict, run.verdict?.state ?? "")
  }
}

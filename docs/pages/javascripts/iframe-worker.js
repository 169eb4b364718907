// A page that is opened as a file may not start a worker, and the search runs in one. There, a worker is a hidden frame
// that has the script of the worker and exchanges the same messages.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      document.body.appendChild(frame)
      const inside = frame.contentWindow
      inside.postMessage = data => {
        const event = new MessageEvent("message", { data })
        this.dispatchEvent(event)
        if (this.onmessage) this.onmessage(event)
      }
      this.inside = inside
      this.ready = new Promise(done => {
        const script = inside.document.createElement("script")
        script.src = new URL(url, document.baseURI)
        script.onload = done
        inside.document.body.appendChild(script)
      })
      this.frame = frame
    }
    postMessage(data) {
      this.ready.then(() => this.inside.dispatchEvent(new MessageEvent("message", { data })))
    }
    terminate() {
      this.frame.remove()
    }
  }
}

// Runs in each page before the page's own scripts: what a WebSocket says to its page is told to the driver too.
// The front end is not changed for it.
(() => {
  const tell = (entry) => window.tellDriver(entry);
  window.WebSocket = class extends WebSocket {
    constructor(...parameters) {
      super(...parameters);
      window.recordedSocket = this;
      this.addEventListener("open", () => tell({ event: "opened" }));
      this.addEventListener("message", ({ data }) => tell({ event: "received", data }));
      this.addEventListener("error", () => tell({ event: "error" }));
      this.addEventListener("close", ({ code, wasClean }) => tell({ event: "closed", code, clean: wasClean }));
    }
  };
})();

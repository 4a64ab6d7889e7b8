// Keys on the page of one image to review. Everything they do is a button or a link, too.

const SAVED_WITHIN_MS = 15000;
const CHECK_MS = 50;

// Boxes that are still on their way to the server are waited for: accepting takes what is stored there.
async function settled() {
  const deadline = Date.now() + SAVED_WITHIN_MS;
  while (document.querySelector('[data-saved][data-kind="saving"]') && Date.now() < deadline) {
    await new Promise((resolve) => { setTimeout(resolve, CHECK_MS); });
  }
}

let sending = false;
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.closest("[data-decisions]") || sending) return;
  event.preventDefault();
  const button = event.submitter;
  await settled();
  sending = true;
  form.requestSubmit(button);
});

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    if (document.querySelector("[data-box-list] [aria-current]")) return false;
    document.querySelector(`a[rel="${event.key === "ArrowLeft" ? "prev" : "next"}"]`)?.click();
    return true;
  }
  const button = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  button?.click();
  return Boolean(button);
}

// Before the keys for drawing, which listen on the document.
addEventListener("keydown", (event) => {
  if (event.target.matches("select,textarea,input")) return;
  if (event.key === "Enter" && event.target.closest("a, button")) return;
  if (!press(event)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, { capture: true });

// Shows the schema of the REST API, and lets a signed-in person try it in the session.

const place = document.getElementById("api-docs");

function follow() {
  document.documentElement.classList.toggle("dark-mode", document.documentElement.dataset.bsTheme === "dark");
}

follow();
document.addEventListener("slipway:theme", follow);
window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.schema,
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  validatorUrl: null,
  requestInterceptor: (request) => {
    // The session's protection against forged requests; a token needs none.
    if (new URL(request.url, location).origin === location.origin) request.headers["X-CSRFToken"] = place.dataset.token;
    return request;
  },
});

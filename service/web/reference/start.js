/** Starts Swagger UI on our own schema; a script of its own, since the policy allows none inline. */

/** @typedef {{SwaggerUIBundle: (options: Record<string, string | boolean | null>) => void}} SwaggerUI as its own script leaves it */

const page = /** @type {Window & typeof globalThis & SwaggerUI} */ (window);
page.SwaggerUIBundle({ url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null });

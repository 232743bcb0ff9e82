/** Starts Swagger UI on our own schema; a script of its own, since the policy allows none inline. */
window.SwaggerUIBundle({ url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null });

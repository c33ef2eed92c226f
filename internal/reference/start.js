// The reference is of the service that it came from, wherever that is reached: what is tried out goes there.
const dark = matchMedia('(prefers-color-scheme: dark)');
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', follow);
follow();

// What may be left out is left out until somebody fills it in: an example is not meant to be sent.
const leaveOut = (parameters) => {
  for (const parameter of parameters) {
    if (!parameter.required) {
      delete parameter.example;
      delete parameter.examples;
    }
  }
};

fetch('/openapi.json')
  .then((answer) => answer.json())
  .then((spec) => {
    leaveOut(Object.values(spec.components.parameters));
    spec.servers = [{ url: location.origin, description: 'This service' }];
    window.ui = SwaggerUIBundle({
      spec,
      dom_id: '#reference',
      deepLinking: true,
      docExpansion: 'list',
      defaultModelsExpandDepth: -1,
      displayRequestDuration: true,
      filter: true,
      persistAuthorization: false, // a token is kept in memory alone
      tryItOutEnabled: true,
      validatorUrl: null,
    });
  });

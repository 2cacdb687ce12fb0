"""Registration of the routes of views: each handler runs in one transaction, at the URL that its screen defines."""

from __future__ import annotations

from typing import Any

from views.transaction import transactional


class TransactionalRoutes:
    """A mixin for views that runs each route in one transaction (``views.transaction``)."""

    blueprint: Any
    include_route_methods: Any
    exclude_route_methods: Any

    def _register_urls(self) -> None:
        """Register the exposed methods. FAB calls this when the view is added."""
        for name in sorted(dir(type(self))):
            method = getattr(type(self), name)
            left_out = self.include_route_methods is not None and name not in self.include_route_methods
            if not hasattr(method, "_urls") or left_out or name in self.exclude_route_methods:
                continue
            handler = self.handler_of(name)
            for url, methods in method._urls:  # noqa: SLF001  (FAB keeps them there)
                self.blueprint.add_url_rule(self.rule_of(url, name), name, handler, methods=self.allowed(name, methods))

    def handler_of(self, name: str) -> Any:
        """Return the handler of the requests to a method."""
        return transactional(getattr(self, name))

    def rule_of(self, url: str, name: str) -> str:
        """Return the URL rule under which a method is registered.

        :param url: the URL rule that the method declares.
        :param name: the name of the method.
        """
        return url

    def allowed(self, name: str, methods: Any) -> Any:
        """Return the HTTP methods that a method accepts.

        :param methods: the HTTP methods that it declares.
        """
        return methods

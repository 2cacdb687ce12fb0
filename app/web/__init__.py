"""What happens around each request: access, errors, headers, menus."""

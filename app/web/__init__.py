"""Request handling around the views: access control, errors, headers, menus."""

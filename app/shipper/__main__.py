"""``python -m app.shipper``: the shipper on a machine without the portal."""

from app.shipper.command import utm

utm(prog_name="python -m app.shipper")

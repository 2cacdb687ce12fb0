"""The shipper: runs next to a UTM, reads its log and sends the alerts to the portal's device API.

It is an HTTP client and imports nothing else of the portal, so that it also runs on a machine without it: ``flask utm ...`` next to the
portal, ``python -m app.shipper ...`` elsewhere.
"""

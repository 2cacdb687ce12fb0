"""What stands beside a UTM: reads its log and talks to the portal's device API.

Everything here is a client over HTTP. It knows no table and no view of the portal and runs on a machine that has neither:
``flask utm ...`` beside the portal, ``python -m app.shipper ...`` elsewhere.
"""

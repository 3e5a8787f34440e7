"""Checks of a repo that run its code, in workers, or ask other sites: `reprise check`.

The hub itself does neither. Whoever runs these sends what they found to it, see
`reprise.hub.catalogue.send_report`.
"""

"""
A publisher for Wagtail Live sites that loses no update, also where the site ends between saving a post and publishing it.

A worked example: it shows what an outbox has to do, on top of `live_publisher`.
"""

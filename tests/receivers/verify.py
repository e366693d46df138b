"""Checks a delivery with the libraries that receivers use. Standard input: {"secret", "headers", "body" (base64)}.

Prints one line for each library: its name and what it read, or why it refused.
"""

import base64
import json
import sys

import standardwebhooks
import svix.webhooks

told = json.load(sys.stdin)
text = base64.b64decode(told["body"]).decode()
for name, library in [("standardwebhooks", standardwebhooks.webhooks.Webhook), ("svix", svix.webhooks.Webhook)]:
    try:
        # Not every version returns what it has checked.
        read = library(told["secret"]).verify(text, told["headers"]) or json.loads(text)
        print(name, json.dumps(read, separators=(",", ":")))
    except Exception as error:
        print(name, "refused:", error)

"""
amplitude-analytics for Python, with its defaults: flush_queue_size 200, flush_interval_millis 10000.
See https://amplitude.com/docs/sdks/analytics/python/python-sdk, "Configure the SDK".

Full batches leave in threads of its own while events are tracked, so that the loop waits for nothing; that is faster
than waiting now and then. Prints one line of JSON: the seconds and the CPU seconds from before the client is made until
it is shut down.

    python3 amplitude_python.py URL EVENTS
"""
import json
import resource
import sys
import time

from amplitude import Amplitude, BaseEvent


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def make_event(index):
    return BaseEvent(
        event_type="Button Clicked",
        user_id=f"user-{index % 1000}",
        device_id=f"device-{index % 1000}",
        session_id=1700000000000,
        app_version="4.2.1",
        platform="Web",
        os_name="Chrome",
        language="English",
        event_properties={
            "bench_index": index,
            "source": "notification",
            "path": "/checkout/payment?step=3",
            "referrer": "https://example.com/cart",
            "price": 19.99,
            "tags": ["sale", "summer", "mobile"],
            "experiment": {"name": "one-page-checkout", "variant": "treatment"},
            "signed_in": True,
        },
    )


def main(url, events):
    cpu = cpu_seconds()
    started = time.perf_counter()
    client = Amplitude("key")
    client.configuration.server_url = url
    for index in range(events):
        client.track(make_event(index))
    client.flush()
    # waits for the threads
    client.shutdown()
    print(json.dumps({"seconds": time.perf_counter() - started, "cpuSeconds": cpu_seconds() - cpu}))


main(sys.argv[1], int(sys.argv[2]))

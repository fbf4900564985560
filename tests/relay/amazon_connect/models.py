"""Checks requests against AWS's own service models, which botocore brings.

The file of the first argument has one request a line: {"service", "operation", "params"}. Prints what is wrong with
each, and ends with 1 if anything is; with 3 where there is no botocore.
"""

import json
import sys

try:
    from botocore.loaders import Loader
    from botocore.model import ServiceModel
    from botocore.validate import ParamValidator
except ImportError:
    sys.exit(3)

loader, models, wrong, seen = Loader(), {}, 0, set()
with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        request = json.loads(line)
        service, operation, params = request["service"], request["operation"], request["params"]
        if service not in models:
            models[service] = ServiceModel(loader.load_service_model(service, "service-2"), service)
        try:
            shape = models[service].operation_model(operation).input_shape
            report = ParamValidator().validate(params, shape).generate_report() if shape else ""
            unknown = set(params) - set(shape.members if shape else {})
        except Exception as error:  # An operation that the model does not have.
            report, unknown = str(error), set()
        if report or unknown:
            wrong += 1
            print(f"{service} {operation}: {report} {sorted(unknown)}")
        seen.add(operation)
print(f"{len(seen)} operations: {' '.join(sorted(seen))}")
sys.exit(1 if wrong else 0)

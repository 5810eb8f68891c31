"""Places an order, watches it until it is final, and prints a line for each version, by grpcio."""
import sys

import grpc

sys.path.insert(0, sys.argv[1])  # the generated stubs
from orderflow.v1 import orders_pb2, orders_pb2_grpc, types_pb2  # noqa: E402

target, token = sys.argv[2:4]
metadata = [("authorization", "Bearer " + token)]
with grpc.insecure_channel(target) as channel:
    orders = orders_pb2_grpc.OrderServiceStub(channel)
    request = orders_pb2.PlaceOrderRequest(
        items=[orders_pb2.OrderRequestLine(sku="CUP", quantity=1)],
        payment_method="pm_card_visa",
        shipping_address=types_pb2.AddressRequest(
            name="Guido", line1="1 Street", city="Berlin", postal_code="10115", country="DE"),
    )
    placed = orders.PlaceOrder(request, metadata=metadata, timeout=10).order
    watch = orders_pb2.WatchOrderRequest(order_id=placed.order_id)
    for change in orders.WatchOrder(watch, metadata=metadata, timeout=60):
        print(change.order.version, types_pb2.OrderStatus.Name(change.order.status))
    try:
        orders.GetOrder(orders_pb2.GetOrderRequest(order_id=placed.order_id), timeout=10)
    except grpc.RpcError as e:
        print(e.code().name)

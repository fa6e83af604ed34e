from toque import Files, Upsert, Warehouse, load, pipeline

drop, warehouse = Files("drop"), Warehouse("warehouse")

orders = load(drop.files("*.csv"), into=warehouse.table("raw.orders"), mode=Upsert("id"))

loaded = pipeline("loaded", assets=[orders])
